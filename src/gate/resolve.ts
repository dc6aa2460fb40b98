/** Gives every address of a name, in the order in which they are to be tried. Rejects with a `code`. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** The machine's own resolver, hosts file included. */
export const systemResolver: Resolver = async (host) => {
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};

/** Every address of this machine's interfaces. */
export async function machineAddresses(): Promise<readonly string[]> {
  const { networkInterfaces } = await import("node:os");
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
