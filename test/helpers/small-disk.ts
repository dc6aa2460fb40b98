import { mkdtempSync, rmSync, statSync } from "node:fs";
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

  constructor(point: string, { megabytes, uid }: { readonly megabytes: number; readonly uid: number }) {
    this.point = point;
    // In memory, so that what is synced costs no time.
    this.#folder = mkdtempSync("/dev/shm/workcell-disk-");
    asRoot(
      `mkdir -p "$1"; truncate -s "$3M" "$2"; mkfs.ext4 -q -m 0 -b 4096 -I 256 -N 4096 -O ^has_journal "$2"
       mount -o loop "$2" "$1"; rmdir "$1/lost+found"; chown "$4:$4" "$1"`,
      [point, `${this.#folder}/ext4`, `${megabytes}`, `${uid}`],
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
   * Mounts it again by another device, as after a restart that finds disks in another order. A cell that is just ending
   * may hold the mount for a moment more.
   */
  remount(): void {
    asRoot(
      `umount "$1"; old=$2 taken=
       for wait in $(seq 200); do test -n "$(losetup -j "$3")" || break; sleep 0.05; done
       for try in 1 2 3 4 5 6 7 8; do
         truncate -s 1M "$3-$try"; taken="$taken $(losetup -f --show "$3-$try")"
         mount -o loop "$3" "$1"; test $(stat -c %d "$1") = $old || break; umount "$1"
       done
       losetup -d $taken; test $(stat -c %d "$1") != $old`,
      [this.point, `${statSync(this.point).dev}`, `${this.#folder}/ext4`],
    );
  }

  /** Mounts an older, empty one in its place, by the same device as long as nobody else has taken it: as another stick in the same socket. */
  replace(): void {
    asRoot(
      `old=$(stat -c %d "$1"); owner=$(stat -c %u:%g "$1"); umount "$1"
       for wait in $(seq 200); do test -n "$(losetup -j "$2")" || break; sleep 0.05; done
       truncate -s $(stat -c %s "$2") "$2-other"; E2FSPROGS_FAKE_TIME=1700000000 mkfs.ext4 -q -m 0 -b 4096 -I 256 -N 4096 -O ^has_journal "$2-other"
       mount -o loop=/dev/loop$((old & 255)) "$2-other" "$1" || mount -o loop "$2-other" "$1"
       rmdir "$1/lost+found"; chown $owner "$1"`,
      [this.point, `${this.#folder}/ext4`],
    );
  }

  [Symbol.dispose](): void {
    runToEnd(["umount", "-l", this.point]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
