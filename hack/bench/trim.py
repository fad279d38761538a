"""Check the application: that it starts, several times, and that it answers."""

import subprocess
import sys

from hello import app

for _ in range(5):
    subprocess.run([sys.executable, "-m", "flask", "--app", "hello", "routes"], check=True, stdout=subprocess.DEVNULL)
client = app.test_client()
for _ in range(3000):
    for path, status in (("/", 200), ("/_health", 200), ("/absent", 404)):
        assert client.get(path).status_code == status
