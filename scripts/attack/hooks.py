from urllib.parse import urlencode

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    """Skips URLs over 8,000 characters, which Node answers with 431 before the product sees them."""
    return len(urlencode(query, doseq=True, errors="replace")) < 8000 if query else True
