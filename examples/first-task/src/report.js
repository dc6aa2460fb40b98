import { readdirSync, readFileSync } from "node:fs";
import { total } from "./total.js";

const folder = new URL("../orders/", import.meta.url);

for (const name of readdirSync(folder).sort()) {
  const order = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  console.log(`${order.customer}: ${(total(order) / 100).toFixed(2)}`);
}
