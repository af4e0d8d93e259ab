/* SPDX-License-Identifier: Apache-2.0 */
/** Each command: its own arguments in, its exit status out. */
#ifndef EAR_APP_COMMANDS_H
#define EAR_APP_COMMANDS_H

#define X(name, function, help) int function(int argc, char **argv);
#include "app/commands.def"
#undef X

#endif
