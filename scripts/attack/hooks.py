from urllib.parse import urlencode

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    """No address longer than HTTP servers take: Node answers 431 to it before anything of ours sees it."""
    return len(urlencode(query, doseq=True, errors="replace")) < 8000 if query else True
