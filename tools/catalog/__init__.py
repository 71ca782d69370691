"""Where facts come from: the request, the sample catalogue, files. Own open orders count as stock on the way."""
