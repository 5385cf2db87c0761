"""Who may pass. In this version a route can only say that everybody may."""
