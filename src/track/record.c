/* SPDX-License-Identifier: Apache-2.0 */
#include "track/record.h"

struct ear_slice ear_session_event_name(enum ear_session_event event)
{
	switch (event) {
	case EAR_SESSION_CONNECT: return EAR_S("CONNECT");
	case EAR_SESSION_REGISTER: return EAR_S("REGISTER");
	case EAR_SESSION_UNREGISTER: return EAR_S("UNREGISTER");
	case EAR_SESSION_DISCONNECT: return EAR_S("DISCONNECT");
	}
	return EAR_S("");
}

struct ear_slice ear_session_source_name(enum ear_session_source source)
{
	switch (source) {
	case EAR_SOURCE_CLIENT: return EAR_S("CLIENT");
	case EAR_SOURCE_SERVER: return EAR_S("SERVER");
	case EAR_SOURCE_TRUNK: return EAR_S("TRUNK");
	}
	return EAR_S("");
}

struct ear_slice ear_disposition_name(enum ear_disposition d)
{
	switch (d) {
	case EAR_CALL_IN_PROGRESS: return EAR_S("IN_PROGRESS");
	case EAR_CALL_ANSWERED: return EAR_S("ANSWERED");
	case EAR_CALL_NO_ANSWER: return EAR_S("NO_ANSWER");
	case EAR_CALL_BUSY: return EAR_S("BUSY");
	case EAR_CALL_FAILED: return EAR_S("FAILED");
	}
	return EAR_S("");
}

/* Asterisk writes "NO ANSWER". */
bool ear_disposition_of(struct ear_slice name, enum ear_disposition *d)
{
	char text[16];

	if (name.n > sizeof(text))
		return false;
	for (size_t i = 0; i < name.n; i++)
		text[i] = (char)(name.p[i] == ' ' ? '_' : name.p[i]);
	for (int i = EAR_CALL_IN_PROGRESS; i <= EAR_CALL_FAILED; i++) {
		if (ear_slice_ieq(ear_slice(text, name.n),
			    ear_disposition_name((enum ear_disposition)i))) {
			*d = (enum ear_disposition)i;
			return true;
		}
	}
	return false;
}
