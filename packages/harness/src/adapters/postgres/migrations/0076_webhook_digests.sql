-- Where a webhook leads is part of what its events say, by a digest: a URL holds words by which its receiver knows who may send, and who
-- reads the events is not to learn them. Of what somebody could guess a digest alone would tell, so it is taken with these bytes before
-- it, which stand here alone. Null: an older program made it, and its events tell no more than the URL's origin.
alter table assent.webhooks add column url_salt bytea check (octet_length(url_salt) = 16);
