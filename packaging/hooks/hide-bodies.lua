-- SPDX-License-Identifier: Apache-2.0
-- What people write to each other is not kept: a MESSAGE request is neither
-- stored nor mirrored. What a script sees it cannot change, so the message
-- goes as a whole; its reply stays, and the log says that there was one.

function on_message(msg)
	if msg.method == "MESSAGE" and msg.kind == "request" then
		drop()
		print("not kept: MESSAGE from " .. msg.from_user .. " to "
			.. msg.to_user .. ", " .. #msg.body .. " bytes")
	end
end
