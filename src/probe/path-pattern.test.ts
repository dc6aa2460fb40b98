import { expect, test } from "vitest";
import { patternMatcher } from "./path-pattern.ts";

test.each([
  ["/w/*.ts", "/w", ["/w/a.ts", "/w/.ts"], ["/w/a/b.ts", "/w/a.tsx", "/v/a.ts"]],
  ["/w/**/.env", "/w", ["/w/.env", "/w/a/.env", "/w/a/b/.env"], ["/w/x.env", "/w/.env/x"]],
  ["/w/**", "/w", ["/w/a", "/w/a/b"], ["/w"]],
  ["/w/a?c/[xy].k", "/w", ["/w/abc/x.k"], ["/w/ac/x.k", "/w/a/c/x.k", "/w/abc/z.k"]],
  ["/w/[^a]", "/w", ["/w/^", "/w/a"], ["/w/b"]],
  ["/w/(draft).*", "/w", ["/w/(draft).md"], ["/w/draft.md"]],
  ["/**/*.pem", "/", ["/a.pem", "/a/b/c.pem"], ["/a.pem/b"]],
  ["/w/a[b/c", "/w", ["/w/a[b/c"], ["/w/ab/c"]],
])("patternMatcher(%s)", (pattern, base, fitting, other) => {
  const matcher = patternMatcher(pattern);
  expect(matcher.base).toBe(base);
  expect([...fitting, ...other].filter(matcher.fits)).toEqual(fitting);
});
