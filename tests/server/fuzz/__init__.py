"""Nothing breaks the API: requests that are nearly right, over every wire (security.md, chapter 4.4).

`TOQUE_FUZZ_EXAMPLES=2000 pytest tests/server/fuzz` asks longer and each time differently; without it the requests are
the same ones each time, few enough for CI.
"""
