/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, sentences and lists. */
#include <stdio.h>
#include <time.h>

#include "base/time.h"
#include "lib/lib_priv.h"

EARSHOT_API const char *earshot_strerror(int answer)
{
	static const char *const text[] = {
		[EARSHOT_OK] = "Done",
		[EARSHOT_OFF] = "Taken, but not traced: the switch is off",
		[EARSHOT_FULL] = "No room in the queue: not taken",
		[EARSHOT_TOOBIG] = "Longer than the queue takes: not taken",
		[EARSHOT_BADARG] = "An argument is wrong",
		[EARSHOT_CLOSED] = "The tap is not open in this process",
		[EARSHOT_NOMEM] = "Out of memory",
		[EARSHOT_SYS] = "The system refused",
		[EARSHOT_NOTFOUND] = "There is no such trace",
		[EARSHOT_TIMEOUT] = "Not done in the time that was given",
	};

	if (answer < 0 || (size_t)answer >= sizeof(text) / sizeof(text[0]))
		return "Not an answer of this library";
	return text[answer];
}

EARSHOT_API const char *earshot_version(void)
{
	return EARSHOT_VERSION;
}

int ear_lib_answer(enum ear_err err)
{
	switch (err) {
	case EAR_OK: return EARSHOT_OK;
	case EAR_NOMEM: return EARSHOT_NOMEM;
	case EAR_USAGE:
	case EAR_LIMIT:
	case EAR_BAD:
	case EAR_UNSUPPORTED: return EARSHOT_BADARG;
	case EAR_GONE: return EARSHOT_NOTFOUND;
	default: return EARSHOT_SYS;
	}
}

void ear_lib_say(char *why, size_t why_bytes, const char *text)
{
	if (why && why_bytes)
		snprintf(why, why_bytes, "%s", text);
}

uint64_t ear_lib_until(unsigned wait_ms)
{
	return ear_mono_ns() + wait_ms * EAR_MS_NS;
}

uint64_t ear_lib_ns(uint64_t ms)
{
	const uint64_t most_ms = 200 * 365 * (uint64_t)86400 * 1000;

	return (ms < most_ms ? ms : most_ms) * EAR_MS_NS;
}

bool ear_lib_text_fits(const char *text)
{
	size_t commas = 0;

	for (const char *p = text; p && *p; p++)
		commas += *p == ',';
	return !text || (strlen(text) <= EAR_LIB_TEXT && commas < EAR_LIB_LIST);
}

size_t ear_lib_split(char *text, const char *item[EAR_LIB_LIST])
{
	size_t n = 0;

	while (text) {
		char *comma = strchr(text, ',');
		struct ear_slice s = ear_slice_trim(ear_slice(
			text, comma ? (size_t)(comma - text) : strlen(text)));

		if (s.n) {
			text += s.p - text;
			text[s.n] = '\0';
			item[n++] = text;
		}
		text = comma ? comma + 1 : NULL;
	}
	return n;
}
