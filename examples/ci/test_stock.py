import unittest

import stock
import web


class Stock(unittest.TestCase):
    def test_what_is_sold_out_is_not_available(self):
        self.assertEqual(stock.available(), ["apples"])

    def test_the_web_shows_what_is_available(self):
        answer = web.app.test_client().get("/stock")
        self.assertEqual(answer.json, ["apples"])
