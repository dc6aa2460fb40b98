import assert from "node:assert/strict";
import test from "node:test";
import { total } from "../src/total.js";

const lines = [
  { price: 250, quantity: 4 },
  { price: 1999, quantity: 1 },
];

test("an order without a discount is the sum of its lines", () => {
  assert.equal(total({ lines }), 2999);
});

test("a discount is a part of the sum, rounded to whole cents", () => {
  assert.equal(total({ lines, discountPercent: 10 }), 2699);
});

test("an empty order costs nothing", () => {
  assert.equal(total({ lines: [] }), 0);
});
