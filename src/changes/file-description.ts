/** Any part of a file, fewer bytes where it ends. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

/** What a file is and how large, as a person would say it: `PNG image`, `640×480`; `Word document`, `3 pages`. */
export interface FileDescription {
  readonly format: string;
  readonly detail: string;
}

/** `1 page`, `3 pages`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
