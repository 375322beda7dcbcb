CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
--
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value BLOB NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY (name)
)
--
CREATE TABLE cursors (
	platform TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_cursors PRIMARY KEY (platform, scope)
)
--
CREATE TABLE inbox (
	seq INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	author TEXT NOT NULL, 
	taken_at BIGINT NOT NULL, 
	payload BLOB, 
	CONSTRAINT pk_inbox PRIMARY KEY (seq), 
	CONSTRAINT uq_inbox_key UNIQUE ("key")
)
--
CREATE INDEX ix_inbox_taken_at ON inbox (taken_at)
--
CREATE INDEX ix_inbox_pending ON inbox (platform, seq) WHERE payload IS NOT NULL
--
CREATE TABLE outbox (
	seq INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	message_id TEXT, 
	author TEXT NOT NULL, 
	answer BOOLEAN NOT NULL, 
	opened_at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	receipt TEXT NOT NULL, 
	payload BLOB, waiting_since BIGINT, 
	CONSTRAINT pk_outbox PRIMARY KEY (seq), 
	CONSTRAINT uq_outbox_key UNIQUE ("key")
)
--
CREATE INDEX ix_outbox_opened_at ON outbox (opened_at)
--
CREATE INDEX ix_outbox_question ON outbox (channel_key, message_id)
--
CREATE INDEX ix_outbox_unfinished ON outbox (platform, seq) WHERE payload IS NOT NULL
--
CREATE TABLE messages (
	seq INTEGER NOT NULL, 
	channel_key TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	author TEXT NOT NULL, 
	ours BOOLEAN NOT NULL, 
	addressed BOOLEAN NOT NULL, 
	reply_to TEXT, 
	at BIGINT NOT NULL, 
	body BLOB, 
	outcome TEXT NOT NULL, about TEXT, opened_thread BOOLEAN, 
	CONSTRAINT pk_messages PRIMARY KEY (seq), 
	CONSTRAINT uq_messages_channel_key_message_id UNIQUE (channel_key, message_id)
)
--
CREATE INDEX ix_messages_place ON messages (channel_key, at)
--
CREATE INDEX ix_messages_author ON messages (author)
--
CREATE TABLE policies (
	scope TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_policies PRIMARY KEY (scope, name)
)
--
CREATE TABLE usage (
	scope TEXT NOT NULL, 
	day DATE NOT NULL, 
	requests BIGINT NOT NULL, 
	tokens BIGINT NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (scope, day)
)
--
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	platform TEXT NOT NULL, 
	community TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	verb TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (seq)
)
--
CREATE INDEX ix_audit_at ON audit (at)
--
CREATE INDEX ix_audit_actor ON audit (actor)
--
CREATE INDEX ix_audit_subject ON audit (subject)
--
CREATE INDEX ix_audit_community ON audit (platform, community, seq)
--
CREATE TABLE optouts (
	pseudonym TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_optouts PRIMARY KEY (pseudonym)
)
--
CREATE INDEX ix_messages_about ON messages (about) WHERE about IS NOT NULL
--
CREATE INDEX ix_messages_ours_at ON messages (ours, at)
--
CREATE INDEX ix_messages_said ON messages (ours, at) WHERE ours = 1 AND body IS NOT NULL
--
CREATE TABLE controls (
	channel_key TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	value TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_controls PRIMARY KEY (channel_key, message_id)
)
--
CREATE INDEX ix_controls_at ON controls (at)
--
CREATE TABLE ratings (
	channel_key TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	author TEXT NOT NULL, 
	helpful BOOLEAN NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_ratings PRIMARY KEY (channel_key, message_id, author)
)
--
CREATE INDEX ix_ratings_author ON ratings (author)
--
CREATE INDEX ix_ratings_at ON ratings (at)
--
CREATE TABLE rulebooks (
	community TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	rules TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	CONSTRAINT pk_rulebooks PRIMARY KEY (community, version)
)
--
CREATE INDEX ix_rulebooks_actor ON rulebooks (actor)
--
CREATE TABLE cases (
	number BIGINT NOT NULL, 
	community TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	author TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	severity INTEGER NOT NULL, 
	shadow BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	resolved_at BIGINT, 
	payload BLOB, 
	CONSTRAINT pk_cases PRIMARY KEY (number)
)
--
CREATE INDEX ix_cases_queue ON cases (community, state, number)
--
CREATE INDEX ix_cases_message ON cases (channel_key, message_id)
--
CREATE INDEX ix_cases_author ON cases (author)
--
CREATE INDEX ix_cases_actor ON cases (actor)
--
CREATE INDEX ix_cases_at ON cases (at)
--
CREATE TABLE strikes (
	seq INTEGER NOT NULL, 
	community TEXT NOT NULL, 
	author TEXT NOT NULL, 
	case_number BIGINT NOT NULL, 
	weight FLOAT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_strikes PRIMARY KEY (seq)
)
--
CREATE INDEX ix_strikes_author ON strikes (author)
--
CREATE INDEX ix_strikes_case_number ON strikes (case_number)
--
CREATE INDEX ix_strikes_at ON strikes (at)
--
CREATE TABLE appeals (
	case_number BIGINT NOT NULL, 
	community TEXT NOT NULL, 
	author TEXT NOT NULL, 
	state TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	body BLOB, 
	CONSTRAINT pk_appeals PRIMARY KEY (case_number)
)
--
CREATE INDEX ix_appeals_open ON appeals (community, state, at)
--
CREATE INDEX ix_appeals_author ON appeals (author)
--
CREATE INDEX ix_appeals_actor ON appeals (actor)
--
CREATE INDEX ix_appeals_at ON appeals (at)
--
CREATE TABLE passages (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	community TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	document TEXT NOT NULL, 
	author TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	payload BLOB NOT NULL, 
	vector BLOB
)
--
CREATE INDEX ix_passages_author ON passages (author)
--
CREATE INDEX ix_passages_at ON passages (at)
--
CREATE INDEX ix_passages_document ON passages (community, document)
--
CREATE VIRTUAL TABLE passage_words USING fts5(words, tokenize='ascii')
--
CREATE VIRTUAL TABLE passage_terms USING fts5vocab(passage_words, row)
--
CREATE TRIGGER passages_gone AFTER DELETE ON passages BEGIN
    DELETE FROM passage_words WHERE rowid = old.seq;
    UPDATE meta SET value = CAST(CAST(CAST(value AS TEXT) AS INTEGER) + 1 AS BLOB)
        WHERE name = 'passages_gone';
END
--
CREATE TABLE threads (
	seq INTEGER NOT NULL, 
	community TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	first_message TEXT, 
	title BLOB, 
	author TEXT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	in_channel BOOLEAN NOT NULL, 
	closed BOOLEAN NOT NULL, 
	CONSTRAINT pk_threads PRIMARY KEY (seq), 
	CONSTRAINT uq_threads_channel_key_thread UNIQUE (channel_key, thread)
)
--
CREATE INDEX ix_threads_author ON threads (author)
--
CREATE INDEX ix_threads_opened_at ON threads (opened_at)
--
CREATE INDEX ix_threads_community ON threads (community, seq)
--
CREATE INDEX ix_threads_first_message ON threads (channel_key, first_message)
--
CREATE TABLE interactions (
	channel_key TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	member TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	emoji TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_interactions PRIMARY KEY (channel_key, thread, member, kind, message_id, emoji)
)
--
CREATE INDEX ix_interactions_member ON interactions (member)
--
CREATE INDEX ix_interactions_at ON interactions (at)
--
CREATE INDEX ix_interactions_message ON interactions (channel_key, message_id)
--
CREATE TABLE digests (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	community TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	cron TEXT NOT NULL, 
	zone TEXT NOT NULL, 
	n INTEGER NOT NULL, 
	quiet TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	call TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	fate TEXT, 
	decided_at BIGINT, 
	trouble TEXT NOT NULL, member TEXT DEFAULT '' NOT NULL, reader BLOB, topic TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT uq_digests_call UNIQUE (call)
)
--
CREATE INDEX ix_digests_community ON digests (community)
--
CREATE INDEX ix_digests_actor ON digests (actor)
--
CREATE TABLE slots (
	digest BIGINT NOT NULL, 
	slot TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	fate TEXT NOT NULL, 
	post TEXT, 
	CONSTRAINT pk_slots PRIMARY KEY (digest, slot)
)
--
CREATE INDEX ix_slots_at ON slots (at)
--
CREATE INDEX ix_slots_post ON slots (post)
--
CREATE TABLE shown (
	channel_key TEXT NOT NULL, 
	source TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	digest BIGINT NOT NULL, 
	post TEXT NOT NULL, 
	at BIGINT NOT NULL, blend TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_shown PRIMARY KEY (channel_key, source, thread)
)
--
CREATE INDEX ix_shown_digest ON shown (digest)
--
CREATE INDEX ix_shown_post ON shown (post)
--
CREATE INDEX ix_shown_at ON shown (at)
--
CREATE TABLE archive (
	place TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	community TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	author TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	document TEXT, 
	state INTEGER NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_archive PRIMARY KEY (place, message_id)
)
--
CREATE INDEX ix_archive_author ON archive (author)
--
CREATE INDEX ix_archive_at ON archive (at)
--
CREATE INDEX ix_archive_state ON archive (state)
--
CREATE INDEX ix_archive_document ON archive (community, document)
--
CREATE INDEX ix_archive_place_at ON archive (place, at)
--
CREATE TABLE citations (
	channel_key TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	said_at BIGINT NOT NULL, 
	at BIGINT NOT NULL, mark TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_citations PRIMARY KEY (channel_key, message_id, number)
)
--
CREATE INDEX ix_citations_at ON citations (at)
--
CREATE TABLE attachments (
	place TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	file TEXT NOT NULL, 
	community TEXT NOT NULL, 
	channel_key TEXT NOT NULL, 
	author TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	state INTEGER NOT NULL, 
	due BIGINT, 
	tries INTEGER NOT NULL, 
	payload BLOB NOT NULL, 
	body BLOB, 
	CONSTRAINT pk_attachments PRIMARY KEY (place, message_id, file)
)
--
CREATE INDEX ix_attachments_author ON attachments (author)
--
CREATE INDEX ix_attachments_at ON attachments (at)
--
CREATE INDEX ix_attachments_state ON attachments (state)
--
CREATE INDEX ix_attachments_due ON attachments (due)
--
CREATE INDEX ix_attachments_document ON attachments (community, document)
--
CREATE INDEX ix_digests_member ON digests (member)
--
CREATE TABLE hints (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	community TEXT NOT NULL, 
	place TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	author TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	helped BOOLEAN, 
	call TEXT NOT NULL, 
	payload BLOB NOT NULL, 
	CONSTRAINT uq_hints_place_message_id UNIQUE (place, message_id)
)
--
CREATE INDEX ix_hints_author ON hints (author)
--
CREATE INDEX ix_hints_at ON hints (at)
--
CREATE INDEX ix_hints_community ON hints (community, number)
--
CREATE TABLE unanswered (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	community TEXT NOT NULL, 
	place TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	author TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	rung TEXT NOT NULL, 
	due BIGINT, 
	helper TEXT NOT NULL, 
	offered_at BIGINT, 
	payload BLOB NOT NULL, 
	CONSTRAINT uq_unanswered_place_message_id UNIQUE (place, message_id)
)
--
CREATE INDEX ix_unanswered_author ON unanswered (author)
--
CREATE INDEX ix_unanswered_at ON unanswered (at)
--
CREATE INDEX ix_unanswered_due ON unanswered (due)
--
CREATE INDEX ix_unanswered_helper ON unanswered (helper)
--
CREATE INDEX ix_unanswered_community ON unanswered (community, rung, at)
--
CREATE TABLE helpers (
	community TEXT NOT NULL, 
	member TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	most INTEGER NOT NULL, 
	asked_at BIGINT, 
	payload BLOB NOT NULL, 
	CONSTRAINT pk_helpers PRIMARY KEY (community, member)
)
--
CREATE INDEX ix_helpers_member ON helpers (member)
--
CREATE TABLE examples (
	place TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	room TEXT NOT NULL, 
	author TEXT NOT NULL, 
	score TEXT NOT NULL, 
	label BOOLEAN NOT NULL, 
	removed BOOLEAN NOT NULL, 
	at BIGINT NOT NULL, 
	text BLOB NOT NULL, 
	CONSTRAINT pk_examples PRIMARY KEY (place, message_id)
)
--
CREATE INDEX ix_examples_room ON examples (room)
--
CREATE INDEX ix_examples_author ON examples (author)
--
CREATE INDEX ix_examples_at ON examples (at)
--
CREATE TABLE topics (
	community TEXT NOT NULL, 
	topic TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	payload BLOB NOT NULL, 
	CONSTRAINT pk_topics PRIMARY KEY (community, topic)
)
--
CREATE INDEX ix_topics_actor ON topics (actor)
--
INSERT INTO "meta" VALUES('passages_gone',X'30')
