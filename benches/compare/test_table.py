"""`python3 -m unittest discover benches/compare`: the arithmetic behind the tables."""

import unittest

import table


class Tables(unittest.TestCase):
    def test_a_ratio_is_the_median_of_pairs(self):
        # The pair that was disturbed does not move it, nor does a disturbance of both.
        pairs = table.ratio([13.0, 26.0, 99.0], [10.0, 20.0, 10.0])
        self.assertEqual(pairs["median"], 1.3)
        self.assertEqual((pairs["least"], pairs["most"]), (1.3, 9.9))
        with self.assertRaises(ValueError):
            table.ratio([1.0, 2.0], [1.0])
        with self.assertRaises(ValueError):
            table.ratio([], [])

    def test_a_change_has_a_sign(self):
        self.assertAlmostEqual(table.change(95, 100), -5)
        self.assertAlmostEqual(table.change(103, 100), 3)

    def test_a_missed_aim_is_seen(self):
        lines = table.summary([
            table.result("a", "1.31×", "≥ 1.3×", True),
            table.result("b", "1.2×", "≥ 1.3×", False, "why"),
            table.result("c", "7", "", None),
        ]).splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertEqual([("MISSED" in line, "holds" in line) for line in lines[2:]],
                         [(False, True), (True, False), (False, False)])

    def test_lists_that_end_unevenly_are_done_later(self):
        self.assertEqual(table.list_speedup([4, 4], 2), 2)
        self.assertEqual(table.list_speedup([2, 2, 4], 2), 8 / 6)
        self.assertEqual(table.list_speedup([5, 1, 1], 1), 1)


if __name__ == "__main__":
    unittest.main()
