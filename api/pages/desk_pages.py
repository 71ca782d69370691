"""All pages of the desk."""

from api.pages import data, importing, sign_in, today

routers = [sign_in.router, sign_in.signed_in, today.router, data.router, importing.router]
