-- Accounts, and who is signed in. The app's own tables may refer to auth_users.

CREATE TABLE auth_users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (name <> ''),
  email text NOT NULL CHECK (position('@' IN email) > 1),
  password_hash text NOT NULL,
  is_admin boolean NOT NULL DEFAULT false,
  founder boolean UNIQUE CHECK (founder), -- true of the first account, null of all others, so that two cannot both be the first
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX auth_users_email ON auth_users (lower(email));

-- A session's key is the SHA-256 of the cookie, so that nobody can sign in with what is stored here.
CREATE TABLE auth_sessions (
  token_hash bytea PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES auth_users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);

CREATE INDEX ON auth_sessions (user_id);

CREATE INDEX ON auth_sessions (expires_at);

-- Tries to sign in that have not succeeded: when the last ten were, by the SHA-256 of the e-mail address.
CREATE TABLE auth_attempts (
  address_hash bytea PRIMARY KEY,
  tried timestamptz[] NOT NULL,
  last_tried timestamptz NOT NULL
);

CREATE INDEX ON auth_attempts (last_tried);
