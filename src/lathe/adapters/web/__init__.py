"""What the API and the pages share: errors as answers, request ids, bounded bodies, sessions, CSRF."""
