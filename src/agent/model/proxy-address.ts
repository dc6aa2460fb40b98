/** Where a proxy, or any server, is dialled. */
export const addressOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ""),
  port: port === "" ? 80 : Number(port),
});

/** The credential that a proxy's own address carries, as its header. */
export function credentialOf({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(plain).toString("base64")}` };
}
