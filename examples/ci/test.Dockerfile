# The tests run in the image that is shipped, with nothing added but the tests.
FROM web
COPY test_stock.py ./
RUN ["python", "-m", "unittest", "-v"]
