import stock

print(len(stock.STOCK), "kinds,", len(stock.available()), "in stock")
