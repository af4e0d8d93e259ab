/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define TEN_YEARS_S (10L * 365 * 24 * 3600)

const char *ear_tls_reason(void)
{
	unsigned long newest = ERR_peek_last_error();
	const char *reason = newest ? ERR_reason_error_string(newest) : "";

	ERR_clear_error();
	return reason ? reason : "";
}

enum ear_err ear_tls_load_pair(SSL_CTX *ctx, const char *certificate,
	const char *private_key, struct ear_fault *fault)
{
	if (access(certificate, R_OK))
		return ear_fail_sys(fault, "cannot read %s", certificate);
	if (access(private_key, R_OK))
		return ear_fail_sys(fault, "cannot read %s", private_key);
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return ear_fail(fault, EAR_BAD, 0,
			"%s holds no certificate: %s", certificate,
			ear_tls_reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, private_key, SSL_FILETYPE_PEM) !=
		1)
		return ear_fail(fault, EAR_BAD, 0,
			"%s holds no private key of %s: %s", private_key,
			certificate, ear_tls_reason());
	return EAR_OK;
}

enum ear_err ear_tls_server_new(const char *certificate,
	const char *private_key, SSL_CTX **out, struct ear_fault *fault)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum ear_err err;

	*out = NULL;
	if (!ctx)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory for TLS");
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	/* Agents connect once and stay: resumption would only keep state. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	err = ear_tls_load_pair(ctx, certificate, private_key, fault);
	if (err)
		SSL_CTX_free(ctx);
	else
		*out = ctx;
	return err;
}

static int add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int ok = e && X509_add_ext(cert, e, -1);

	X509_EXTENSION_free(e);
	return ok;
}

/* A host name goes into the extension only when it is one in form. */
static void alternative_names(const char *host, char *out, size_t n)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			      "WXYZ0123456789.-";

	if (*host && strspn(host, letters) == strlen(host))
		snprintf(out, n, "DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1",
			host);
	else
		snprintf(out, n, "DNS:localhost,IP:127.0.0.1,IP:::1");
}

/* Random, so that a browser does not take two of them for one. */
static int set_serial(X509 *cert)
{
	BIGNUM *n = BN_new();
	int ok = n && BN_rand(n, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		 BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));

	BN_free(n);
	return ok;
}

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	char host[65] = "", names[160];
	X509_NAME *name;

	/* RFC 5280: a common name has at most 64 characters. */
	if (gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	alternative_names(host, names, sizeof(names));
	if (!cert)
		return NULL;
	name = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
		!X509_gmtime_adj(X509_getm_notBefore(cert), -3600) ||
		!X509_gmtime_adj(X509_getm_notAfter(cert), TEN_YEARS_S) ||
		X509_set_pubkey(cert, key) != 1 ||
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			(const unsigned char *)(*host ? host : "localhost"), -1,
			-1, 0) != 1 ||
		X509_set_issuer_name(cert, name) != 1 ||
		!add_extension(cert, NID_subject_alt_name, names) ||
		!add_extension(
			cert, NID_basic_constraints, "critical,CA:FALSE") ||
		!X509_sign(cert, key, EVP_sha256())) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

/* Made anew and never through a link: a key must not end up elsewhere. */
static FILE *create(const char *path, mode_t mode, struct ear_fault *fault)
{
	int fd = open(path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f) {
		ear_fail_sys(fault, "cannot write %s", path);
		if (fd >= 0)
			close(fd);
	}
	return f;
}

static enum ear_err write_pem(const char *path, mode_t mode, EVP_PKEY *key,
	X509 *cert, struct ear_fault *fault)
{
	FILE *f = create(path, mode, fault);
	int ok;

	if (!f)
		return EAR_SYS;
	ok = cert ? PEM_write_X509(f, cert)
		  : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	if (fclose(f) || !ok) {
		unlink(path);
		return ear_fail_sys(fault, "cannot write %s", path);
	}
	return EAR_OK;
}

static enum ear_err make_pair(const char *certificate, const char *private_key,
	struct ear_fault *fault)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? make_certificate(key) : NULL;
	enum ear_err err;

	if (!cert) {
		err = ear_fail(fault, EAR_NOMEM, 0,
			"cannot make a certificate: %s", ear_tls_reason());
		goto out;
	}
	err = write_pem(private_key, 0600, key, NULL, fault);
	if (err)
		goto out;
	err = write_pem(certificate, 0644, NULL, cert, fault);
	if (err)
		unlink(private_key);
out:
	X509_free(cert);
	EVP_PKEY_free(key);
	return err;
}

enum ear_err ear_tls_self_signed(const char *certificate,
	const char *private_key, struct ear_fault *fault)
{
	struct stat st;
	bool have_cert = !stat(certificate, &st);
	bool have_key = !stat(private_key, &st);

	if (have_cert && have_key)
		return EAR_OK;
	if (have_cert || have_key)
		return ear_fail(fault, EAR_USAGE, 0,
			"%s is there and %s is not: remove it or add the other",
			have_cert ? certificate : private_key,
			have_cert ? private_key : certificate);
	return make_pair(certificate, private_key, fault);
}
