/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/time.h"
#include "net/connect.h"
#include "net/tls.h"

static enum ear_err load_trust(
	SSL_CTX *ctx, const struct ear_tls_client *o, struct ear_fault *fault)
{
	if (!o->verify)
		return EAR_OK;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (!o->ca || !*o->ca) {
		if (SSL_CTX_set_default_verify_paths(ctx) != 1)
			return ear_fail(fault, EAR_BAD, 0,
				"the system's certificates to trust cannot be "
				"read: %s",
				ear_tls_reason());
		return EAR_OK;
	}
	if (access(o->ca, R_OK))
		return ear_fail_sys(fault, "cannot read %s", o->ca);
	if (SSL_CTX_load_verify_locations(ctx, o->ca, NULL) != 1)
		return ear_fail(fault, EAR_BAD, 0,
			"%s holds no certificates to trust: %s", o->ca,
			ear_tls_reason());
	return EAR_OK;
}

static enum ear_err load_own(
	SSL_CTX *ctx, const struct ear_tls_client *o, struct ear_fault *fault)
{
	bool certificate = o->certificate && *o->certificate;
	bool key = o->private_key && *o->private_key;

	if (certificate != key)
		return ear_fail(fault, EAR_USAGE, 0,
			"a certificate to show needs both certificate and "
			"private_key");
	return certificate ? ear_tls_load_pair(
				     ctx, o->certificate, o->private_key, fault)
			   : EAR_OK;
}

enum ear_err ear_tls_client_new(const struct ear_tls_client *options,
	SSL_CTX **out, struct ear_fault *fault)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	enum ear_err err;

	*out = NULL;
	if (!ctx)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory for TLS");
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* a write that is tried again may come from another place */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	err = load_trust(ctx, options, fault);
	if (!err)
		err = load_own(ctx, options, fault);
	if (err)
		SSL_CTX_free(ctx);
	else
		*out = ctx;
	return err;
}

/* A certificate is of a name or of an IP; SNI carries names only. */
static bool expect(SSL *ssl, const char *host)
{
	unsigned char ip[16];

	if (inet_pton(AF_INET, host, ip) == 1 ||
		inet_pton(AF_INET6, host, ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(
			       SSL_get0_param(ssl), host) == 1;
	return SSL_set_tlsext_host_name(ssl, host) == 1 &&
	       SSL_set1_host(ssl, host) == 1;
}

static enum ear_err failed(SSL *ssl, const char *host, struct ear_fault *fault)
{
	long verdict = SSL_get_verify_result(ssl);
	const char *reason;

	if (verdict != X509_V_OK) {
		ERR_clear_error();
		return ear_fail(fault, EAR_BAD, 0,
			"the certificate of %s is not trusted: %s", host,
			X509_verify_cert_error_string(verdict));
	}
	reason = ear_tls_reason();
	return ear_fail(fault, EAR_SYS, 0, "no TLS with %s: %s", host,
		*reason ? reason : "the connection was closed");
}

static enum ear_err shake(SSL *ssl, int fd, const char *host, uint32_t wait_ms,
	struct ear_fault *fault)
{
	uint64_t end = ear_mono_ns() + wait_ms * EAR_MS_NS, now;
	int rc, events;

	ERR_clear_error();
	while ((rc = SSL_connect(ssl)) != 1) {
		switch (SSL_get_error(ssl, rc)) {
		case SSL_ERROR_WANT_READ: events = POLLIN; break;
		case SSL_ERROR_WANT_WRITE: events = POLLOUT; break;
		default: return failed(ssl, host, fault);
		}
		now = ear_mono_ns();
		if (now >= end || !ear_socket_wait(fd, events,
					  (uint32_t)((end - now) / EAR_MS_NS)))
			return ear_fail(fault, EAR_SYS, 0,
				"no TLS with %s: no answer in %u ms", host,
				wait_ms);
	}
	return EAR_OK;
}

enum ear_err ear_tls_connect(SSL_CTX *ctx, int fd, const char *host,
	uint32_t wait_ms, SSL **out, struct ear_fault *fault)
{
	SSL *ssl = SSL_new(ctx);
	enum ear_err err;

	*out = NULL;
	if (!ssl || !SSL_set_fd(ssl, fd) || !expect(ssl, host)) {
		SSL_free(ssl);
		return ear_fail(fault, EAR_NOMEM, 0, "cannot begin TLS: %s",
			ear_tls_reason());
	}
	err = shake(ssl, fd, host, wait_ms, fault);
	if (err)
		SSL_free(ssl);
	else
		*out = ssl;
	return err;
}
