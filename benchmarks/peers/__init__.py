"""Search services that people would deploy instead of this one, over the same catalogue.

Each is a small program that anybody can run. They answer the same path and the same parameters as
`GET /api/v1/search`, so that one list of requests measures all of them.
"""
