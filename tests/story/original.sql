CREATE TABLE users (
  id VARCHAR(36) PRIMARY KEY, email VARCHAR(255), hashed_password VARCHAR(255),
  last_login_at TIMESTAMP NULL, created_at TIMESTAMP NULL, deleted_at TIMESTAMP NULL
);
CREATE TABLE external_identities (
  user_id VARCHAR(36), provider VARCHAR(32), provider_user_id VARCHAR(64), deleted_at TIMESTAMP NULL
);
INSERT INTO users VALUES ('7', 'Ada@Example.com',
  '$argon2id$v=19$m=512,t=2,p=4$k9L6nzPGeA8hpNRai1HKeQ$fv4sef6YO7hafjrlu2R2V3fDk2iLAUnDV/1sDHBafl0',
  NULL, '2024-05-06 07:08:09.123456', NULL);
INSERT INTO users VALUES
  ('8', 'gone@example.com', NULL, NULL, '2024-05-06 07:08:09', '2024-06-01 00:00:00');
INSERT INTO users VALUES
  ('9', NULL, NULL, '2024-07-01 00:00:00', '2024-05-06 07:08:09', NULL);
INSERT INTO external_identities VALUES ('9', 'github', '583231', NULL);
INSERT INTO external_identities VALUES ('9', 'github', '1', '2024-06-01 00:00:00')
