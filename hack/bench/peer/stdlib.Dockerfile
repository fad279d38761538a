# What a cold build of the minimal image is measured against: the standard library of the
# base, compiled by one process and zipped, and nothing else. It is the work that no image
# with a zipped library gets around, so modules, bytecode and compression are the frontend's.
FROM python:3.13-alpine3.20 AS stdlib
RUN --mount=type=bind,target=/context <<EOF
set -eu
mkdir /work /out
tar -C /usr/local/lib/python3.13 -cf - -T /context/modules.txt | tar -C /work -xf -
python -X no_debug_ranges -m compileall -q -b --invalidation-mode unchecked-hash /work
cd /work
python - <<PYTHON
import os, zipfile
with zipfile.ZipFile("/out/python313.zip", "x", zipfile.ZIP_DEFLATED) as archive:
    for folder, _, files in os.walk("."):
        for file in files:
            if file.endswith(".pyc"):
                archive.write(os.path.join(folder, file))
PYTHON
EOF

FROM scratch
COPY --link --from=stdlib /out/ /usr/local/lib/
