import * as z from "zod/mini";

const trustFileSchema = z.strictObject({
  schema: z.literal("workcell.trust/1"),
  agreements: z.array(
    z.strictObject({
      /** The folder's real path. */
      folder: z.string(),
      /** Whose configuration it is; absent: Workcell's own, `.workcell.json`. */
      agent: z.optional(z.string()),
      /** Of the file's content, in hex. */
      sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      /** When, RFC 3339, UTC. */
      agreed: z.string(),
    }),
  ),
});

export type TrustFile = z.infer<typeof trustFileSchema>;

/** What trust.json holds; undefined when it is not what Workcell writes. */
export function checkTrustFile(text: string): TrustFile | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = trustFileSchema.safeParse(content);
  return result.success ? result.data : undefined;
}
