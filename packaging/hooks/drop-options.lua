-- SPDX-License-Identifier: Apache-2.0
-- Keep-alives are not worth keeping: OPTIONS and their replies are neither
-- stored nor mirrored, unless something is wrong with them.

function on_message(msg)
	if msg.method == "OPTIONS" and msg.status < 300 and not msg.malformed then
		drop()
	end
end
