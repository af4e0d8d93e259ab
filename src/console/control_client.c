/* SPDX-License-Identifier: Apache-2.0 */
#include "console/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "console/control_path.h"
#include "console/jsonrpc.h"

/* Longest answer that is taken. */
#define ANSWER_MAX (16u << 20)

static enum ear_err dial(const char *dir, int *fd, struct ear_fault *fault)
{
	struct sockaddr_un sun;
	enum ear_err err;
	int dir_fd;

	*fd = -1;
	err = ear_control_path(dir, &sun, &dir_fd, fault);
	if (err)
		return fault && fault->sys_errno == ENOENT ? EAR_GONE : err;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0) {
		err = ear_fail_sys(fault, "control socket");
	} else if (connect(*fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			err = ear_fail(fault, EAR_GONE, 0,
				"no server is running on %s; --data names "
				"its data directory, earshot serve starts one",
				dir);
		else
			err = ear_fail_sys(fault, "%s", sun.sun_path);
	}
	if (dir_fd >= 0)
		close(dir_fd);
	return err;
}

/* Waits until fd is ready for what. @return EAR_MORE when the time is over */
static enum ear_err wait_for(
	int fd, short what, uint64_t until_ns, struct ear_fault *fault)
{
	struct pollfd p = {.fd = fd, .events = what};
	uint64_t now = ear_mono_ns();
	int rc;

	if (now >= until_ns)
		return ear_fail(
			fault, EAR_MORE, 0, "the server does not answer");
	rc = poll(&p, 1, (int)((until_ns - now) / EAR_MS_NS) + 1);
	if (rc < 0 && errno != EINTR)
		return ear_fail_sys(fault, "control socket");
	return EAR_OK;
}

static enum ear_err send_all(
	int fd, struct ear_slice s, uint64_t until_ns, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	while (s.n > 0 && !err) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EPIPE)
			break; /* it may have said why it went */
		if (n >= 0)
			s = ear_slice_sub(s, (size_t)n, s.n);
		else if (errno == EAGAIN || errno == EINTR)
			err = wait_for(fd, POLLOUT, until_ns, fault);
		else
			err = ear_fail_sys(fault, "control socket");
	}
	return err;
}

/* Reads until one whole value is there. */
static enum ear_err receive(int fd, struct ear_buf *in, size_t *used,
	uint64_t until_ns, struct ear_fault *fault)
{
	struct ear_rpc_split split = {0};
	enum ear_err err;

	for (;;) {
		char *to = ear_buf_reserve(in, 65536);
		ssize_t n;

		if (!to)
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		n = recv(fd, to, 65536, MSG_DONTWAIT);
		if (n == 0)
			return ear_fail(
				fault, EAR_GONE, 0, "the server has gone away");
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return ear_fail_sys(fault, "control socket");
		in->n += n > 0 ? (size_t)n : 0;
		err = n > 0 ? ear_rpc_next(&split, ear_buf_view(in), ANSWER_MAX,
				      used)
			    : wait_for(fd, POLLIN, until_ns, fault);
		if (n > 0 && err == EAR_MORE)
			continue;
		if (n > 0 && err)
			return ear_fail(fault, EAR_BAD, 0,
				"the server's answer cannot be read");
		if (n > 0 || err)
			return err;
	}
}

static enum ear_err read_error(const json_t *error, struct ear_fault *fault)
{
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "message"));
	json_int_t offset = json_integer_value(
		json_object_get(json_object_get(error, "data"), "offset"));

	/* 500 is what Kamailio's methods say of their parameters */
	return ear_fail(fault,
		code == EAR_RPC_NO_METHOD || code == EAR_RPC_PARAMS ||
				code == EAR_RPC_INVALID || code == 500
			? EAR_USAGE
			: EAR_BAD,
		offset > 0 ? (size_t)offset : 0, "%.300s",
		text ? text : "the server refused");
}

static enum ear_err read_answer(
	struct ear_slice text, struct ear_buf *result, struct ear_fault *fault)
{
	json_t *root = json_loadb(text.p, text.n, 0, NULL);
	json_t *value = json_object_get(root, "result");
	json_t *error = json_object_get(root, "error");
	enum ear_err err = EAR_OK;
	char *dump = NULL;

	if (error) {
		err = read_error(error, fault);
	} else if (!value) {
		err = ear_fail(fault, EAR_BAD, 0,
			"the server's answer cannot be read");
	} else {
		dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		ear_buf_str(result, dump ? dump : "");
		err = dump ? result->err : EAR_NOMEM;
	}
	free(dump);
	json_decref(root);
	return err;
}

enum ear_err ear_control_call(const char *dir, const char *method,
	const char *params, struct ear_buf *result, unsigned wait_ms,
	struct ear_fault *fault)
{
	uint64_t until_ns = ear_mono_ns() + wait_ms * EAR_MS_NS;
	struct ear_buf request = {0}, in = {0};
	struct ear_json j = ear_json(&request);
	enum ear_err err;
	size_t used = 0;
	int fd;

	err = dial(dir, &fd, fault);
	if (err)
		goto out;
	ear_json_open(&j, '{');
	ear_json_kstr(&j, "jsonrpc", EAR_S("2.0"));
	ear_json_ku64(&j, "id", 1);
	ear_json_kstr(&j, "method", ear_slice_str(method));
	if (params) {
		ear_json_key(&j, "params");
		ear_buf_str(&request, params);
	}
	ear_json_close(&j, '}');
	ear_buf_str(&request, "\n");
	if (request.err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!err)
		err = send_all(fd, ear_buf_view(&request), until_ns, fault);
	if (!err)
		err = receive(fd, &in, &used, until_ns, fault);
	if (!err)
		err = read_answer(ear_slice(in.p, used), result, fault);
out:
	if (fd >= 0)
		close(fd);
	ear_buf_fini(&request);
	ear_buf_fini(&in);
	return err;
}
