"""Where facts come from: the request, the sample catalogue, files; and the stock on its way by our own orders."""
