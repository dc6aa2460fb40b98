import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { runScript, runToEnd } from "./cellhost.ts";

function asRoot(script: string, words: readonly string[]): string {
  const done = runScript(script, words, { timeout: 60_000 });
  if (done.status !== 0) throw new Error(`"${script}" failed: ${done.stderr}`);
  return done.stdout;
}

/** Whether this machine lets whoever runs the tests mount a disk of their own; in CI it must. */
export function canMountDisks(): boolean {
  const found = runToEnd(["sh", "-c", "test $(id -u) = 0 && command -v mkfs.ext4 fallocate && losetup -f"]);
  if (found.status !== 0 && process.getuid?.() === 0 && process.env["CI"] === "true")
    throw new Error("Needed in CI: mkfs.ext4 and a loop device");
  return found.status === 0;
}

/** A small ext4 of its own, mounted at `point`, which can be filled to the last block and freed again. */
export class SmallDisk implements Disposable {
  readonly point: string;
  readonly #folder: string;
  #image: string;

  constructor(point: string, { megabytes, uid }: { readonly megabytes: number; readonly uid: number }) {
    this.point = point;
    // In memory, so that what is synced costs no time.
    this.#folder = mkdtempSync("/dev/shm/workcell-disk-");
    this.#image = `${this.#folder}/ext4`;
    asRoot(
      `mkdir -p "$1"; truncate -s "$3M" "$2"; mkfs.ext4 -q -m 0 -b 4096 -I 256 -N 4096 -O ^has_journal "$2"
       mount -o loop "$2" "$1"; rmdir "$1/lost+found"; chown "$4:$4" "$1"`,
      [point, this.#image, `${megabytes}`, `${uid}`],
    );
  }

  /** Takes all blocks but so many bytes. */
  fill(leaveBytes = 0): void {
    this.free();
    asRoot(
      `free=$(stat -f -c '%a*%S' "$1"); free=$((free - $2)); fallocate -l $((free / 4096 * 4096)) "$1/.ballast" 2>&- || true
       test $2 != 0 || dd if=/dev/zero bs=4096 2>&- >> "$1/.ballast" || true`,
      [this.point, `${leaveBytes}`],
    );
  }

  free(): void {
    rmSync(path.join(this.point, ".ballast"), { force: true });
  }

  /**
   * Mounts it again by another device, as after a restart that finds disks in another order. It is a copy that is mounted: whoever else has
   * a mount namespace of their own, as other tests' cells do, may hold the first one for as long as they like.
   */
  remount(): void {
    const next = `${this.#image}+`;
    asRoot(
      `sync -f "$1"; cp --sparse=always "$2" "$3"; device=$(losetup -f --show "$3")
       umount "$1"; mount "$device" "$1"; losetup -d "$device"`,
      [this.point, this.#image, next],
    );
    this.#image = next;
  }

  /** Mounts an older, empty one in its place, by the same device as long as nobody else has taken it: as another stick in the same socket. */
  replace(): void {
    asRoot(
      `old=$(stat -c %d "$1"); owner=$(stat -c %u:%g "$1"); umount "$1"
       for wait in $(seq 40); do test -n "$(losetup -j "$2")" || break; sleep 0.05; done
       truncate -s $(stat -c %s "$2") "$2-other"; E2FSPROGS_FAKE_TIME=1700000000 mkfs.ext4 -q -m 0 -b 4096 -I 256 -N 4096 -O ^has_journal "$2-other"
       mount -o loop=/dev/loop$((old & 255)) "$2-other" "$1" || mount -o loop "$2-other" "$1"
       rmdir "$1/lost+found"; chown $owner "$1"`,
      [this.point, this.#image],
    );
  }

  [Symbol.dispose](): void {
    runToEnd(["umount", "-l", this.point]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
