import { type FSWatcher, watch } from "node:fs";
import type { LiveFolder } from "../changes/index.ts";

/** Folders that are listened to: where protected things stand, and at each connected folder's own top. */
const mostWatched = 64;

/**
 * Calls when a protected name was made, replaced or removed in the folders where that is likely. It is a help and no
 * more: what it misses is met by the next regular look.
 */
export function listenFor(folders: readonly LiveFolder[], onHint: () => void): () => void {
  const watchers: FSWatcher[] = [];
  for (const live of folders) {
    for (const place of live.likelyPlaces()) {
      if (watchers.length >= mostWatched) break;
      try {
        const watcher = watch(place, { persistent: false, encoding: "buffer" }, (_, name) => {
          if (name === null || live.isLikelyName(name.toString("latin1"))) onHint();
        });
        // A folder that goes takes its watcher with it.
        watcher.on("error", () => watcher.close());
        watchers.push(watcher);
      } catch {
        break; // The machine's inotify watches are used up.
      }
    }
  }
  return () => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
}
