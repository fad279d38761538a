"""What the shop has."""

STOCK = {"apples": 12, "pears": 0}


def available():
    return sorted(name for name, count in STOCK.items() if count)
