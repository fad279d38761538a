"""What pip keeps of the answers of indexes, in a folder that outlives the build and its secrets."""

import glob
import os
import shutil
import weakref

# Headers of a request by which a server knows who asks.
SECRET = ("authorization", "proxy-authorization", "cookie")

# No request has it: a header of more than one line cannot be sent.
NO_VALUE = "\n"


def forget():
    """pip keeps what it was sent before it looks into it, and takes it from there ever after.

    That goes by the URL, which pip need not say of a file that is not right: it may have been redirected.
    """
    for folder in glob.glob(os.path.join(os.environ["PIP_CACHE_DIR"], "http*")):
        shutil.rmtree(folder, ignore_errors=True)


def keep_no_logins():
    """Have pip, which has not been started yet, keep no header by which it logs in.

    With an answer it keeps those headers of the request that the answer depends on, as its Vary says, and
    gives it to requests with the same ones. So an answer that depends on a login is not kept. Where pip
    writes another one anew, as it does when nothing was modified, the login is replaced by what no request
    has: left out, the answer would be for all requests, and empty, for those without a login.
    """
    from pip._vendor.cachecontrol.controller import CacheController
    from pip._vendor.cachecontrol.serialize import Serializer

    cache_response, dumps = CacheController.cache_response, Serializer.dumps

    def cache_response_for_all(self, request, response_or_ref, *rest, **keywords):
        response = response_or_ref
        if isinstance(response, weakref.ref):  # as of pip 25.1
            response = response()
        if response is None or not logins_in(request, response):
            cache_response(self, request, response_or_ref, *rest, **keywords)
        else:
            self.cache.delete(self.cache_url(request.url))  # what it is instead of

    def dumps_without_logins(self, request, response, *rest, **keywords):
        if names := logins_in(request, response):
            request = request.copy()
            request.headers.update(dict.fromkeys(names, NO_VALUE))
        return dumps(self, request, response, *rest, **keywords)

    CacheController.cache_response = cache_response_for_all
    Serializer.dumps = dumps_without_logins


def logins_in(request, response):
    """The headers of a request that say who asks, and that the response depends on."""
    vary = ",".join(value for name, value in response.headers.items() if name.lower() == "vary")
    names = [name.strip() for name in vary.split(",")]
    return [name for name in names if name.lower() in SECRET and name in request.headers]
