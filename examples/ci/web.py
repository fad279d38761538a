from flask import Flask

import stock

app = Flask(__name__)


@app.get("/stock")
def show():
    return stock.available()
