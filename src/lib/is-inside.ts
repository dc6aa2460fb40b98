/** Whether a path is a folder or lies below it; both absolute, without `.` and `..`. */
export const isInside = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`);
