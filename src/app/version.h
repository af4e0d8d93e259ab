/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EAR_APP_VERSION_H
#define EAR_APP_VERSION_H

/** As in meson.build, which passes it in. */
#define EAR_VERSION EARSHOT_VERSION

#endif
