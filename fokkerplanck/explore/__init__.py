"""The explorer: choices, what they lead to, and a web page around it. Only `app.py` knows the page."""
