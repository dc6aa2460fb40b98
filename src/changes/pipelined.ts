/**
 * What `work` makes of each item, in their order, with up to `window` calls under way. The first that fails fails the
 * whole; those under way are waited for, so that none is left without a listener.
 */
export async function* pipelined<T, R>(
  items: Iterable<T>,
  window: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  try {
    for (const item of items) {
      const next = work(item);
      next.catch(() => undefined); // the await below tells it; without this an early failure is "unhandled"
      underWay.push(next);
      if (underWay.length >= window) yield await (underWay.shift() as Promise<R>);
    }
    while (underWay.length > 0) yield await (underWay.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(underWay);
  }
}

/** The same for `window` calls at a time, all answers in one list. */
export async function pipelinedAll<T, R>(
  items: Iterable<T>,
  window: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for await (const result of pipelined(items, window, work)) results.push(result);
  return results;
}
