/* SPDX-License-Identifier: Apache-2.0 */
/** Becoming a lesser user once what needs rights is open. */
#ifndef EAR_BASE_PRIVILEGE_H
#define EAR_BASE_PRIVILEGE_H

#include <stdint.h>

#include "base/err.h"

/**
 * Become this user for good, with its groups and no capability. Where the
 * process is that user already, only its capabilities go.
 *
 * @return EAR_OK; EAR_USAGE: no such user; EAR_SYS: only root can
 *
 * Threads: before any other thread begins.
 */
EAR_MUST_USE enum ear_err ear_privilege_drop(
	const char *user, struct ear_fault *fault);

/**
 * Whether a directory, where it is there, and what lies in it and one level
 * below may be read and written. The fault says whose it must be.
 *
 * @return EAR_OK; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_privilege_check(
	const char *dir, const char *user, struct ear_fault *fault);

/**
 * Who a user is, for people: its name and the way it came by, as in
 * "root (command)"; "uid 1000 (command)" where the system has no name for it.
 *
 * @param[out] text  text_bytes at least 1; a name is cut after 40 bytes
 */
void ear_privilege_name(
	uint32_t uid, const char *way, char *text, size_t text_bytes);

#endif
