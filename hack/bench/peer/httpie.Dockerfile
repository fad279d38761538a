# An ordinary Dockerfile on our bases, which the peer pulls and the frontend makes. The
# arguments are what a user behind a mirror adds.
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS buildroot
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
RUN python -m pip install \
        --no-cache \
        --prefix "$BUILD_ROOT/usr/local" \
        httpie

FROM autumnjolitz/distroless-python:3.13-alpine3.20
COPY --from=buildroot \
    /$BUILD_ROOT/usr/local/lib/python$PYTHON_VERSION/site-packages \
    /usr/local/lib/python$PYTHON_VERSION/site-packages
COPY --from=buildroot \
    /$BUILD_ROOT/usr/local/bin/http \
    /usr/local/bin/http

ENTRYPOINT ["http"]
