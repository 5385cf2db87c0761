"""A gateway whose routes may be read from elsewhere, each in another way."""

from tests.e2e.decided import ACME
from tests.e2e.fleet import hash_of

APP = "https://app.example.com"
ADMIN = "https://admin.example.com"

GATEWAY = f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
identities: {{keys: {{apiKey: {{header: x-api-key}}}}}}
consumers: {{acme: {{key: "{hash_of(ACME)}"}}}}
backends: {{echo: "http://127.0.0.1:@echo@"}}
defaults:
  auth: keys
  cors: {{origins: ["{APP}"], headers: [x-api-key], expose: [x-up], maxAge: 1h}}
routes:
  - path: /guarded
    to: echo
  - path: /plain
    cors: none
    to: echo
  - path: /methods
    methods: [GET, PUT]
    to: echo
  - path: /methods
    methods: [DELETE]
    cors: {{origins: ["https://admin.example.com"], credentials: true}}
    to: echo
  - path: /methods
    methods: [PATCH]
    cors: none
    to: echo
  - path: /narrow
    auth: none
    cors: {{origins: ["{APP}"], methods: [GET]}}
    to: echo
  - path: /wild
    auth: none
    cors: {{origins: ["https://*.example.com", "https://*.shop.test:8443", "null"]}}
    to: echo
  - path: /any
    auth: none
    cors: {{origins: ["*"]}}
    to: echo
  - path: /inside
    auth: none
    ip: {{allow: [10.0.0.0/8]}}
    to: echo
  - path: /few
    auth: none
    limits: [{{per: route, rate: 1/h, burst: 1}}]
    to: echo
  - path: /mixed/**
    auth: none
    to: echo
  - path: /mixed/**
    auth: none
    methods: [DELETE]
    cors: none
    to: echo
  - path: /mixed/under
    auth: none
    headers: {{x-beta: "1"}}
    cors: none
    to: echo
  - path: /own
    auth: none
    methods: [OPTIONS]
    cors: none
    to: echo
  - path: /own
    auth: none
    methods: [GET]
    to: echo
  - path: {{regex: "/re/[a-z]+"}}
    to: echo
  - path: /fixed
    auth: none
    respond: {{status: 200}}
"""
