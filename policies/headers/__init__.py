"""Set, add and remove headers on the way in and on the way out."""
