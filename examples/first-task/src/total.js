/** What an order costs, in cents: every line's price times its quantity, less the discount in percent. */
export function total({ lines, discountPercent = 0 }) {
  const sum = lines.reduce((cents, { price, quantity }) => cents + price * quantity, 0);
  return sum - discountPercent;
}
