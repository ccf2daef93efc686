"""Django: models, queries, routes, REST framework; `plugin` is what the registry loads."""
