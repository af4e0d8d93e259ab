-- SPDX-License-Identifier: Apache-2.0
-- Follows a call from the moment it fails, with what the flight recorder
-- still has of it, and writes beside it what was seen.
-- With `keep` in section store set to "traced" only such calls are kept.

local ordinary = {[401] = true, [407] = true, [486] = true, [487] = true}

function on_message(msg)
	if msg.method == "INVITE" and msg.status >= 400
			and not ordinary[msg.status] then
		sip_trace {
			mode = "dialog",
			keep_before = "2m",
			table = "failed",
			why = "call failed: " .. msg.status,
		}
		hlog("failed with " .. msg.status .. " " .. msg.reason .. " by "
			.. msg.src_addr)
	end
end
