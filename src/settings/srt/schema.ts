import * as z from "zod/mini";

const optional = <S extends z.core.$ZodType>(schema: S) => z.optional(schema);
const texts = z.array(z.string());
const flag = optional(z.boolean());
const entry = z.union([
  z.string().check(z.minLength(1)),
  z.strictObject({ path: z.string().check(z.minLength(1)), literal: z.literal(true) }),
]);
const entries = z.array(entry);

const network = z.strictObject({
  allowedDomains: texts,
  deniedDomains: texts,
  deniedDomainReasons: optional(z.record(z.string(), z.string())),
  strictAllowlist: flag,
  deniedResolvedAddresses: optional(texts),
  allowUnixSockets: optional(texts),
  allowAllUnixSockets: flag,
  allowLocalBinding: flag,
  allowMachLookup: optional(texts),
  httpProxyPort: optional(z.int()),
  socksProxyPort: optional(z.int()),
  mitmProxy: optional(z.unknown()),
  filterRequest: optional(z.unknown()),
  allowPlaintextHeaderSet: flag,
  stripResponseHeaders: optional(texts),
  refuseOpaqueTunnels: flag,
  requireHostMatch: flag,
  ambiguousRequestTarget: optional(z.enum(["refuse", "asSpelled", "normalize"])),
  tlsTerminate: optional(z.unknown()),
  parentProxy: optional(
    z.strictObject({
      http: optional(z.string()),
      https: optional(z.string()),
      noProxy: optional(z.string()),
    }),
  ),
});

const filesystem = z.strictObject({
  disabled: flag,
  denyRead: entries,
  allowRead: optional(entries),
  allowWrite: entries,
  denyWrite: entries,
  allowGitConfig: flag,
});

/** How a credential is masked is not looked at: here none is shown in any form. */
const credential = z.enum(["deny", "mask"]);
const credentials = z.strictObject({
  files: optional(z.array(z.looseObject({ path: z.string().check(z.minLength(1)), mode: credential }))),
  envVars: optional(z.array(z.looseObject({ name: z.string(), mode: credential }))),
  allowPlaintextInject: flag,
  awsPairs: optional(z.array(z.unknown())),
  sigv4: optional(z.unknown()),
});

/** The settings file of sandbox-runtime, with every key that it documents. */
export const srtFileSchema = z.strictObject({
  $schema: optional(z.string()),
  network,
  filesystem,
  credentials: optional(credentials),
  ignoreViolations: optional(z.record(z.string(), texts)),
  enableWeakerNestedSandbox: flag,
  allowNestedUserNamespaces: flag,
  enableWeakerNetworkIsolation: flag,
  allowAppleEvents: flag,
  allowPty: flag,
  ripgrep: optional(
    z.strictObject({ command: z.string(), args: optional(texts), argv0: optional(z.string()) }),
  ),
  mandatoryDenySearchDepth: optional(z.int().check(z.minimum(1), z.maximum(10))),
  seccomp: optional(z.strictObject({ applyPath: optional(z.string()), argv0: optional(z.string()) })),
  bwrapPath: optional(z.string()),
  socatPath: optional(z.string()),
  javaAgentJarPath: optional(z.string()),
  windows: optional(z.unknown()),
  git: optional(z.strictObject({ safeDirectories: optional(texts) })),
});

export type SrtFile = z.infer<typeof srtFileSchema>;
export type SrtEntry = z.infer<typeof entry>;

/** No file of Workcell's own has these keys, and none of sandbox-runtime is without them. */
export function isSrtFile(content: unknown): boolean {
  if (typeof content !== "object" || content === null || Array.isArray(content)) return false;
  if (Object.hasOwn(content, "filesystem")) return true;
  const network: unknown = Reflect.get(content, "network");
  if (typeof network !== "object" || network === null) return false;
  return Object.hasOwn(network, "allowedDomains") || Object.hasOwn(network, "deniedDomains");
}
