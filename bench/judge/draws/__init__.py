"""How arms that draw random numbers of their own are judged: by their own loss, and by their distribution."""
