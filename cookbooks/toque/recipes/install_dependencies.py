"""Install the packages that this node's layers name."""

from cookbooks.toque.updates import keep_packages

keep_packages()
