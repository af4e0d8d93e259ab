/* SPDX-License-Identifier: Apache-2.0 */
#include "track/track.h"

#include <stdlib.h>

struct ear_track {
	struct ear_calls *calls;
	struct ear_presence *presence;
};

enum ear_err ear_track_new(const struct ear_track_options *options,
	const struct ear_track_out *out, struct ear_track **track)
{
	struct ear_track *t = calloc(1, sizeof(*t));
	enum ear_err err = t ? EAR_OK : EAR_NOMEM;

	if (!err)
		err = ear_calls_new(&options->calls, out, &t->calls);
	if (!err)
		err = ear_presence_new(&options->presence, out, &t->presence);
	if (err)
		ear_track_free(&t);
	*track = t;
	return err;
}

void ear_track_free(struct ear_track **track)
{
	if (!*track)
		return;
	ear_calls_free(&(*track)->calls);
	ear_presence_free(&(*track)->presence);
	free(*track);
	*track = NULL;
}

void ear_track_restore(struct ear_track *track, uint8_t part, uint64_t key,
	struct ear_slice state)
{
	switch (part) {
	case EAR_TRACK_CALLS:
		ear_calls_restore(track->calls, key, state);
		break;
	case EAR_TRACK_PRESENCE:
		ear_presence_restore(track->presence, key, state);
		break;
	default: break; /* of a newer program */
	}
}

void ear_track_take(struct ear_track *track, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	switch (msg->proto) {
	case EAR_PROTO_SIP:
		ear_calls_take(track->calls, msg, facts);
		ear_presence_take(track->presence, msg, facts);
		break;
	case EAR_PROTO_CONN:
		ear_presence_take(track->presence, msg, facts);
		break;
	default: break;
	}
}

void ear_track_tick(struct ear_track *track, uint64_t now_ns)
{
	ear_calls_tick(track->calls, now_ns);
	ear_presence_tick(track->presence, now_ns);
}

void ear_track_save(struct ear_track *track)
{
	ear_calls_save(track->calls);
	ear_presence_save(track->presence);
}

void ear_track_end(struct ear_track *track)
{
	ear_calls_end(track->calls);
	ear_presence_end(track->presence);
}

void ear_track_stats(
	const struct ear_track *track, struct ear_track_stats *stats)
{
	ear_calls_stats(track->calls, &stats->calls);
	ear_presence_stats(track->presence, &stats->presence);
}
